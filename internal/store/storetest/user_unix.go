//go:build unix

package storetest

import (
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// own gives a folder to the user that the server runs as.
func own(dir string) error {
	uid, gid, ok := ordinary()
	if !ok {
		return nil
	}
	return os.Chown(dir, int(uid), int(gid))
}

// demote has a program run as an ordinary user when we are root, and apart from
// the terminal, so that an interrupt leaves it time to tidy up.
func demote(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if uid, gid, ok := ordinary(); ok {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
}

// ordinary returns a user without rights; false when we are one ourselves.
func ordinary() (uid, gid uint32, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	for _, name := range [...]string{"postgres", "nobody"} {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		u, err := strconv.ParseUint(found.Uid, 10, 32)
		if err != nil {
			continue
		}
		g, err := strconv.ParseUint(found.Gid, 10, 32)
		if err != nil {
			continue
		}
		return uint32(u), uint32(g), true
	}
	return 0, 0, false
}
