package main

import (
	"fmt"
	"os"
	"path/filepath"

	"tocsin/internal/bus/federation"
	"tocsin/internal/disk"
)

// linkNATSCmd writes what servers of a NATS cluster need to carry for this hub. It
// works in the data directory, before the node starts or while it runs.
type linkNATSCmd struct {
	Folder string   `arg:"" help:"Folder to write into: tocsin.conf, certificate.pem and key.pem for the servers, pin.pem for this hub." type:"path"`
	Host   []string `help:"Name or address that members reach the servers by; repeatable." required:"" sep:"none"`
}

// The files of a cluster.
const (
	natsConfigFile      = "tocsin.conf"
	natsCertificateFile = "certificate.pem"
	natsKeyFile         = "key.pem"
	natsPinFile         = "pin.pem"
)

func (l *linkNATSCmd) Run(c *console) error {
	dir := filepath.Join(c.data, hubFolder)
	text, err := federation.ServerConfiguration(dir)
	if err != nil {
		return err
	}
	certificate, key, pin, err := federation.ServerCertificate(dir, l.Host)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(l.Folder, 0o700); err != nil {
		return err
	}
	for name, content := range map[string][]byte{
		natsConfigFile: []byte(text), natsCertificateFile: certificate, natsKeyFile: key, natsPinFile: pin,
	} {
		if err := disk.Replace(filepath.Join(l.Folder, name), content); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(c.out, "Include %s in the configuration of each server, beside its jetstream, cluster and tls blocks (certificate.pem, key.pem; handshake_first: true).\n"+
		"Then give this node, in tocsin.yaml:\n  alliance:\n    nats: [tls://%s:4222]\n    pin: %s\n",
		filepath.Join(l.Folder, natsConfigFile), l.Host[0], filepath.Join(l.Folder, natsPinFile))
	return err
}
