//go:build race

package exchange_test

// thinning is how many lines of a large set stand for one: the race detector
// makes reading ten times slower, and finds in a tenth what it finds in all.
const thinning = 10
