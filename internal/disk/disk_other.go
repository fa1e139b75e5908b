//go:build !linux && !darwin

package disk

import (
	"errors"
	"runtime"
)

const foldersSync = runtime.GOOS != "windows" // which cannot

func usage(string) (Usage, error) { return Usage{}, errors.ErrUnsupported }
