// Package certificate gets certificates from an authority by ACME (RFC 8555) and
// says of certificates what is wrong with them, or soon will be.
//
// It is the one door to the ACME library. It does not listen: who does asks it
// for a certificate for each connection, and hands it the requests by which the
// authority asks for proofs.
package certificate
