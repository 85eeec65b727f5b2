//go:build tools

package tools

import (
	_ "github.com/rootless-containers/rootlesskit/v3/cmd/rootlesskit"
)
