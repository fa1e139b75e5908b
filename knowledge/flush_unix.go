//go:build unix

package knowledge

import "syscall"

// flush has the system write to disk what it holds in memory.
func flush() { syscall.Sync() }
