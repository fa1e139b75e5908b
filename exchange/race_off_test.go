//go:build !race

package exchange_test

// thinning is how many lines of a large set stand for one: all are read.
const thinning = 1
