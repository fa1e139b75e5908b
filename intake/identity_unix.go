//go:build unix

package intake

import (
	"io/fs"
	"syscall"
)

// keyOf tells the file.
func keyOf(path string, info fs.FileInfo) fileKey {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileKey{Device: uint64(stat.Dev), Inode: stat.Ino} //nolint:unconvert,nolintlint // other types on other systems
	}
	return fileKey{Path: path}
}
