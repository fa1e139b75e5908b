//go:build !linux

package hostclock

import (
	"errors"
	"time"
)

func synchronised() (bool, error) { return false, errors.ErrUnsupported }

func hardware() (time.Time, error) { return time.Time{}, errors.ErrUnsupported }
