//go:build race

package main

// raced says that races are looked for, which makes a program several times slower.
const raced = true
