//go:build !linux

package archive_test

import "errors"

// fullFolder is never set here.
const fullFolder = "TOCSIN_TEST_FULL_DISK"

func childOnFullDisk(string) error { return errors.New("only Linux lets a test mount a file system") }
