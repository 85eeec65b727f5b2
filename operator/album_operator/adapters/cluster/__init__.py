"""The API server: releases, Secrets, build Jobs and Applications."""
