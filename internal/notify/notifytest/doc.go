// Package notifytest is a mail server for tests: it speaks SMTP with and without
// TLS, asks for passwords, refuses what it is told to, and keeps what it took.
// Only tests import it.
package notifytest
