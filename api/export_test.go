package api

// Describe is the description of the API.
func Describe() ([]byte, error) { return describe(Routes(), "test") }
