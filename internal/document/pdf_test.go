package document_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tocsin/internal/testdata"
)

// What is set can be selected and searched: another's reader finds the text.
func TestTextOfAPDFCanBeSelected(t *testing.T) {
	t.Parallel()
	reader := testdata.Peer(t, "pdftotext")
	p := chinese()
	pdf, err := p.PDF(fonts(t))
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.PDF(fonts(t))
	if err != nil || !bytes.Equal(pdf, again) {
		t.Errorf("set twice it differs: %v", err)
	}
	file := filepath.Join(t.TempDir(), "paper.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), reader, "-enc", "UTF-8", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(out)), "")
	for _, want := range []string{"网络安全事件报告", "事件概述", "个人信息外泄", "DomainController", "TLP:RED"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the text of the file", want)
		}
	}
}
