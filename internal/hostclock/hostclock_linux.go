package hostclock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// timeError is what adjtimex(2) returns for a clock that nobody keeps right
// (TIME_ERROR).
const timeError = 5

func synchronised() (bool, error) {
	var t syscall.Timex // no mode is set, so nothing is changed
	state, err := syscall.Adjtimex(&t)
	if err != nil {
		return false, fmt.Errorf("ask for the clock's state: %w", err)
	}
	return state != timeError, nil
}

// hardwareFile holds the seconds since 1970 (Linux, Documentation/ABI,
// sysfs-class-rtc).
const hardwareFile = "/sys/class/rtc/rtc0/since_epoch"

func hardware() (time.Time, error) {
	text, err := os.ReadFile(hardwareFile)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, fmt.Errorf("this machine has none: %w", errors.ErrUnsupported)
	}
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(seconds, 0), nil
}
