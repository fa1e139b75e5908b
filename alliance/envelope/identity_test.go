package envelope_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tocsin/alliance"
	"tocsin/alliance/envelope"
	"tocsin/internal/fault"
)

const day = 24 * time.Hour

// at creates an identity in a folder that can be loaded again.
func at(t *testing.T) (string, *envelope.Identity) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "identity")
	i, err := envelope.Create(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Describe(alliance.Card{Kind: alliance.Authority, Issued: now, Names: map[string]string{"en": "R&D <agency>"}}); err != nil {
		t.Fatal(err)
	}
	return dir, i
}

func load(t *testing.T, dir string) *envelope.Identity {
	t.Helper()
	i, err := envelope.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestIdentityIsTheSameAfterARestart(t *testing.T) {
	t.Parallel()
	dir, i := at(t)
	again := load(t, dir)
	if again.ID() != i.ID() || !bytes.Equal(again.Key(), i.Key()) {
		t.Error("another node")
	}
	if err := again.Passport().Verify(); err != nil {
		t.Error(err)
	}
	if _, err := envelope.Create(dir, now); !errors.Is(err, fault.Conflict) {
		t.Errorf("a second identity was made over the first: %v", err)
	}
	if _, err := envelope.Load(t.TempDir()); !errors.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestRootMayBeAway(t *testing.T) {
	t.Parallel()
	dir, _ := at(t)
	away := filepath.Join(t.TempDir(), "stick.pem")
	if err := os.Rename(filepath.Join(dir, envelope.RootFile), away); err != nil {
		t.Fatal(err)
	}
	i := load(t, dir)
	seal(t, i, header(), nil)
	if err := i.Renew("", now.Add(day)); !errors.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "--root") {
		t.Errorf("renewed without the root: %v", err)
	}
	if err := i.Renew(away, now.Add(day)); err != nil {
		t.Error(err)
	}
	_, other := at(t)
	if err := other.Renew(away, now.Add(day)); !errors.Is(err, fault.Conflict) {
		t.Errorf("renewed with another's root: %v", err)
	}
}

func TestKeysThatOthersReadAreRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no such rights")
	}
	for name, mode := range map[string]os.FileMode{"": 0o750, envelope.SigningFile: 0o640, envelope.RootFile: 0o604, envelope.PassportFile: 0o644} {
		dir, _ := at(t)
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
		if _, err := envelope.Load(dir); !errors.Is(err, fault.Forbidden) || !strings.Contains(err.Error(), "chmod") {
			t.Errorf("%q with %o: %v", name, mode, err)
		}
	}
}

func TestDamagedFilesAreTold(t *testing.T) {
	t.Parallel()
	for _, name := range []string{envelope.SigningFile, envelope.PassportFile} {
		dir, _ := at(t)
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := envelope.Load(dir); !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRenewedKeyLeavesWhatWasSigned: what the key before signed until then is good, what
// it signs afterwards is not.
func TestRenewedKeyLeavesWhatWasSigned(t *testing.T) {
	t.Parallel()
	dir, i := at(t)
	thief := load(t, dir)
	before := seal(t, i, header(), nil)
	if err := i.Renew("", now.Add(day)); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(i.Key(), thief.Key()) {
		t.Fatal("the key is the same")
	}
	known := ring(i)
	_, err := before.VerifyRecord(known, time.Time{})
	expect(t, err, "")
	late := header()
	late.Issued, late.Expires = now.Add(2*day), now.Add(3*day)
	_, err = seal(t, i, late, nil).Verify(known, late.Issued)
	expect(t, err, "")
	_, err = seal(t, thief, late, nil).Verify(known, late.Issued)
	expect(t, err, envelope.BadSignature)
	if again := load(t, dir); !bytes.Equal(again.Key(), i.Key()) {
		t.Error("another key after a restart")
	}
}

// TestRevokedKeyIsRefusedWhateverTimeItClaims, but for what a reader has had before.
func TestRevokedKeyIsRefusedWhateverTimeItClaims(t *testing.T) {
	t.Parallel()
	dir, i := at(t)
	thief := load(t, dir)
	stolen := i.Key()
	if err := i.Revoke("", stolen, now.Add(day), "laptop stolen", now.Add(2*day)); err != nil {
		t.Fatal(err)
	}
	known := ring(i)
	e := seal(t, thief, header(), nil)
	_, err := e.Verify(known, now)
	expect(t, err, envelope.RevokedKey)
	_, err = e.VerifyRecord(known, time.Time{})
	expect(t, err, envelope.RevokedKey)
	_, err = e.VerifyRecord(known, now.Add(day-time.Second))
	expect(t, err, "")
	_, err = e.VerifyRecord(known, now.Add(day))
	expect(t, err, envelope.RevokedKey)
	late := header()
	late.Issued, late.Expires = now.Add(3*day), now.Add(4*day)
	_, err = seal(t, load(t, dir), late, nil).Verify(known, late.Issued)
	expect(t, err, "")
	if err := i.Revoke("", i.Passport().Root, now, "x", now); !errors.Is(err, fault.Conflict) {
		t.Errorf("a root revoked itself: %v", err)
	}
	if err := i.Revoke("", identity(t).Key(), now, "x", now); !errors.Is(err, fault.NotFound) {
		t.Errorf("another's key was revoked: %v", err)
	}
}

// TestRevocationIsToldByWhatRevokes: a node that knows the old passport verifies the
// message that brings the new one, though the key that signed it is new to it.
func TestRevocationIsToldByWhatRevokes(t *testing.T) {
	t.Parallel()
	_, i := at(t)
	known := ring(i)
	if err := i.Revoke("", i.Key(), now, "stolen", now.Add(day)); err != nil {
		t.Fatal(err)
	}
	body, err := i.Passport().Bytes()
	if err != nil {
		t.Fatal(err)
	}
	h := header()
	h.Kind, h.Issued, h.Expires = envelope.PassportKind, now.Add(day), now.Add(2*day)
	e := seal(t, i, h, body)
	_, err = e.Verify(known, h.Issued)
	expect(t, err, "")
	_, err = e.Verify(envelope.Passports{}, h.Issued)
	expect(t, err, envelope.UnknownSender)
	h.Kind = alliance.WarningKind
	_, err = seal(t, i, h, body).Verify(known, h.Issued)
	expect(t, err, envelope.BadSignature)
	h.Kind = envelope.PassportKind
	_, err = seal(t, i, h, []byte("{}")).Verify(known, h.Issued)
	expect(t, err, envelope.Malformed)
}

func TestRootHandsOver(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]string{"in its place": "", "to another file": filepath.Join(t.TempDir(), "second.pem")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, i := at(t)
			id, before := i.ID(), seal(t, i, header(), nil)
			old := filepath.Join(t.TempDir(), "old.pem")
			text, err := os.ReadFile(filepath.Join(dir, envelope.RootFile))
			if err == nil {
				err = os.WriteFile(old, text, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			first := i.Passport().Root
			if err := i.Succeed("", next, now.Add(day)); err != nil {
				t.Fatal(err)
			}
			i = load(t, dir)
			if i.ID() != id || len(i.Passport().Successions) != 1 {
				t.Errorf("node %s became %s", id, i.ID())
			}
			_, err = before.VerifyRecord(ring(i), time.Time{})
			expect(t, err, "")
			if err := i.Renew(old, now.Add(2*day)); !errors.Is(err, fault.Conflict) {
				t.Errorf("the root before still certifies: %v", err)
			}
			if err := i.Renew(next, now.Add(2*day)); err != nil {
				t.Error(err)
			}
			if err := i.Revoke(next, first, now, "an old copy is lost", now.Add(2*day)); err != nil {
				t.Error(err)
			}
			if r, ok := i.Passport().Revoked(first); !ok || r.Reason == "" {
				t.Error("the root before is not revoked")
			}
			if next != "" {
				if err := i.Succeed(next, next, now); !errors.Is(err, fault.Conflict) {
					t.Errorf("a key was overwritten: %v", err)
				}
			}
		})
	}
}

// TestCrashLeavesKeysThatFit: the passport is on disk, the key that it certifies beside
// the file whose place it was to take.
func TestCrashLeavesKeysThatFit(t *testing.T) {
	t.Parallel()
	dir, i := at(t)
	signing := filepath.Join(dir, envelope.SigningFile)
	before, err := os.ReadFile(signing)
	if err != nil {
		t.Fatal(err)
	}
	if err := i.Renew("", now.Add(day)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Rename(signing, signing+".next"), os.WriteFile(signing, before, 0o600)); err != nil {
		t.Fatal(err)
	}
	if again := load(t, dir); !bytes.Equal(again.Key(), i.Key()) {
		t.Error("the key before is used")
	}
	if _, err := os.Stat(signing + ".next"); !os.IsNotExist(err) {
		t.Error("the next key was left beside")
	}
	if err := os.WriteFile(signing, before, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := envelope.Load(dir); !errors.Is(err, fault.Conflict) {
		t.Errorf("a key that ended is used: %v", err)
	}
}

func TestLostMachineIsReplaced(t *testing.T) {
	t.Parallel()
	dir, lost := at(t)
	known := lost.Passport()
	again := filepath.Join(t.TempDir(), "identity")
	if _, err := envelope.Recover(again, known, filepath.Join(dir, envelope.RootFile), now.Add(day), "burnt", now.Add(2*day)); err != nil {
		t.Fatal(err)
	}
	i := load(t, again)
	if i.ID() != lost.ID() {
		t.Error("another node")
	}
	merged, err := envelope.Merge(known, i.Passport())
	if err != nil {
		t.Fatal(err)
	}
	_, err = seal(t, lost, header(), nil).Verify(envelope.Passports{merged.Node(): merged}, now)
	expect(t, err, envelope.RevokedKey)
	if err := lost.Adopt(i.Passport()); err != nil {
		t.Error(err)
	}
	if _, ok := lost.Passport().Revoked(lost.Key()); !ok {
		t.Error("the copy that was lost and found does not know that it was revoked")
	}
}
