// Package exchange is the border between our words and the world's formats. It
// reads indicators: lists, MISP documents and STIX bundles, told apart by their
// content; and it writes and reads warnings, as messages of CAP 1.2 and as STIX
// bundles. What each format is stands in the packages below it.
package exchange
