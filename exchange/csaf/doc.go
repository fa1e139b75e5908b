// Package csaf checks security advisories of the Common Security Advisory Framework, CSAF
// 2.0 and 2.1 (OASIS): the schema's constraints, and the tests of section 6.
//
// A test has a number, as in the standard. Mandatory tests (6.1) make a document invalid,
// optional or recommended ones (6.2) are warnings, informative ones (6.3) remarks. What
// the schema forbids goes under Schema. tables.txt and cvss.txt say what each object
// holds, in a form of our own; rules.go lists the tests; each test is one function, in
// the file of its subject. Registries that tests ask are tables, too: weaknesses
// (cwe.txt), decision points of SSVC, systems of identifiers.
//
// The two tests that ask whether addresses answer (6.3.6, 6.3.7) are run only where the
// caller gives a function that asks; the package itself never goes out to the network.
// It imports no room, changes nothing, and repairs nothing.
package csaf
