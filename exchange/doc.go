// Package exchange is the border between our words and the world's formats. So
// far it reads indicators: lists, MISP documents and STIX bundles, told apart by
// their content. What each format is stands in the packages below it.
package exchange
