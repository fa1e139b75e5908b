package crash

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// errNoDisk is what a process says where this system does not let a test mount
// anything.
var errNoDisk = errors.New("no file system can be mounted here")

// OnSmallDisk runs this test program again (see Again), with the right to call
// SmallDisk. An error that it ends with fails the test; where no file system can
// be mounted the test skips.
func OnSmallDisk(tb testing.TB, variable string) {
	tb.Helper()
	cmd := Again(tb, variable, tb.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	said, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); (err != nil && !errors.As(err, &exit)) || string(said) == errNoDisk.Error()+"\n" {
		tb.Skipf("a small file system is not to be had: %v %s", err, said)
	}
	if err != nil {
		tb.Fatalf("%v\n%s", err, said)
	}
	tb.Logf("%s", said)
}

// SmallDisk puts a file system of so many bytes, as in "1m", on a folder. It is
// for the process that OnSmallDisk runs, which is to end with its error on
// standard error.
func SmallDisk(dir, size string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		return errNoDisk
	}
	return nil
}
