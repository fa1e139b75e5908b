package intake

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"strconv"
)

// kernelDrops tells how many datagrams the operating system dropped because we
// were not fast enough. Linux says so (proc(5), /proc/net/udp: the last column,
// by the socket's inode); elsewhere none are told.
type kernelDrops struct {
	inode []byte
	told  uint64
}

func newKernelDrops(conn *net.UDPConn) *kernelDrops {
	raw, err := conn.SyscallConn()
	if err != nil {
		return &kernelDrops{}
	}
	k := &kernelDrops{}
	_ = raw.Control(func(fd uintptr) {
		link, err := os.Readlink("/proc/self/fd/" + strconv.FormatUint(uint64(fd), 10))
		if err == nil {
			k.inode = bytes.TrimSuffix(bytes.TrimPrefix([]byte(link), []byte("socket:[")), []byte("]"))
		}
	})
	return k
}

// since returns how many were dropped since it was asked last.
func (k *kernelDrops) since() int {
	if len(k.inode) == 0 {
		return 0
	}
	for _, table := range [...]string{"/proc/self/net/udp", "/proc/self/net/udp6"} {
		if total, ok := k.find(table); ok {
			n := total - min(k.told, total)
			k.told = total
			return int(n)
		}
	}
	return 0
}

func (k *kernelDrops) find(table string) (uint64, bool) {
	file, err := os.Open(table)
	if err != nil {
		return 0, false
	}
	defer file.Close()
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		const inode, drops = 9, 12
		columns := bytes.Fields(scanner.Bytes())
		if len(columns) > drops && bytes.Equal(columns[inode], k.inode) {
			n, err := strconv.ParseUint(string(columns[drops]), 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
