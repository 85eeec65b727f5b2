"""Say how many albums each artist has."""

import pandas as pd

ALBUMS = pd.DataFrame({"artist": ["Ada", "Ben", "Ada"], "year": [2021, 2023, 2026]})

print(ALBUMS.groupby("artist").size().to_string())
