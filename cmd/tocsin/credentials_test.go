package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTokenComesFromFileOrEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	for _, test := range []struct{ name, environment, content, want, refused string }{
		{"environment", " tocsin_a\n", "", "tocsin_a", ""},
		{"file before environment", "tocsin_a", "tocsin_b\r\n", "tocsin_b", ""},
		{"neither", "", "", "", "TOCSIN_TOKEN"},
		{"two tokens in a file", "", "tocsin_a\ntocsin_b\n", "", "one token and nothing else"},
		{"nothing in a file", "", "\n", "", "one token and nothing else"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(tokenVariable, test.environment)
			c := credentials{}
			if test.content != "" {
				c.TokenFile = file
				if err := os.WriteFile(file, []byte(test.content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := c.token()
			if got != test.want || (err != nil) != (test.refused != "") || (err != nil && !strings.Contains(err.Error(), test.refused)) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}
