// Package intel holds the words that every room shares: what a field of an
// event is called and holds, how grave something is. It knows no format, no
// rule and no store, and imports nothing of the project's.
package intel
