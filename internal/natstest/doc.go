// Package natstest runs a real NATS server as a process of its own, so that
// tests can kill it and start it again. Only tests import it. The program comes
// by "make peers"; without it tests skip.
package natstest
