// Package docs holds the tests of the repository's documents: their links lead
// somewhere, and the examples in them are read as the program would read them.
package docs
