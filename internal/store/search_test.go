package store_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"tocsin/internal/fault"
	"tocsin/internal/store"
	"tocsin/internal/store/storetest"
)

func ids(hits []store.Hit) string {
	var all []string
	for _, h := range hits {
		all = append(all, h.ID)
	}
	return strings.Join(all, " ")
}

func TestDocumentsAreFoundByWordsPhrasesAndCharacters(t *testing.T) {
	t.Parallel()
	documents := []string{
		"a: Ransomware on the file servers of a hospital",
		"b: 某医院文件服务器遭到勒索病毒攻击",
		"c: CVE-2024-3094 in xz, seen on host web-01.example.org (192.0.2.10)",
		"d: Café Müller, the FILE was encrypted; servers are safe",
		"e: 勒索x攻击 and ransom notes",
		"f: ＦＵＬＬ　ｗｉｄｔｈ １２３",
	}
	cases := []struct{ question, want string }{
		{"file", "d a"},
		{"FILE servers", "d a"},
		{`"file servers"`, "a"},
		{`servers"file servers"hospital`, "a"},
		{"ransom", "e"},
		{"ransom*", "e a"},
		{"勒索", "e b"},
		{"勒索病毒", "b"},
		{"病毒勒索", ""},
		{"毒", "b"},
		{"击", "e b"},
		{"医院 攻击", "b"},
		{"索x", "e"},
		{"x攻", "e"},
		{"cve-2024-3094", "c"},
		{"CVE 3094", "c"},
		{"2024-cve", ""},
		{"web-01.example.org", "c"},
		{"192.0.2.10", "c"},
		{"192.0.2.1", ""},
		{"cafe muller", "d"},
		{"full WIDTH 123", "f"},
		{"nothing", ""},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for _, d := range documents {
				id, text, _ := strings.Cut(d, ": ")
				if err := tx.Index(ctx, "room", id, text); err != nil {
					return err
				}
				if err := tx.Index(ctx, "elsewhere", "not "+id, text); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			if got := find(t, db, c.question); got != c.want {
				t.Errorf("%s: got %q, want %q", c.question, got, c.want)
			}
		}
	})
}

func find(t *testing.T, db *store.DB, question string) string {
	t.Helper()
	var hits []store.Hit
	err := db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		hits, err = tx.Search(ctx, "room", question, 0, 100)
		return err
	})
	if err != nil {
		t.Errorf("%q: %v", question, err)
	}
	return ids(hits)
}

func TestWhatIsIndexedAnewOrRemovedIsFoundAccordingly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(
				tx.Index(ctx, "room", "a", "red"), tx.Index(ctx, "room", "b", "red"), tx.Index(ctx, "room", "c", "red"),
				tx.Index(ctx, "room", "a", "blue"), tx.Unindex(ctx, "room", "b"), tx.Unindex(ctx, "room", "unknown"))
		})
		if err != nil {
			t.Fatal(err)
		}
		no := errors.New("no")
		err = db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			return errors.Join(tx.Index(ctx, "room", "d", "red"), no)
		})
		if !errors.Is(err, no) {
			t.Fatal(err)
		}
		if red, blue := find(t, db, "red"), find(t, db, "blue"); red != "c" || blue != "a" {
			t.Errorf("red %q, blue %q", red, blue)
		}
	})
}

func TestHitsComeInPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i := range 25 {
				if err := tx.Index(ctx, "room", strconv.Itoa(i), "word"); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		err = db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for before := int64(0); ; {
				hits, err := tx.Search(ctx, "room", "word", before, 10)
				if err != nil || len(hits) == 0 {
					return err
				}
				got = append(got, ids(hits))
				before = hits[len(hits)-1].Place
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		want := "24 23 22 21 20 19 18 17 16 15|14 13 12 11 10 9 8 7 6 5|4 3 2 1 0"
		if got := strings.Join(got, "|"); got != want {
			t.Errorf("got %s", got)
		}
	})
}

// hostile is text that means something to one of the engines.
var hostile = []string{
	`"`, `""`, `'`, `\`, `*`, `a*b`, `NEAR(a b)`, `a AND`, `OR b`, `NOT`, `(`, `a:b`, `words: a`, `^a`, `a + b`, `-a`, `a & | ! b`, `a <-> b`, `'a':*`,
	"\x00", "\xff\xfe", "\uE000room", `%_`, `{a b}`, `; DROP TABLE search_document`, strings.Repeat("a ", 1000), strings.Repeat("病", 1000),
	strings.Repeat(`"a`, 1000), strings.Repeat("x", 10_000), "𝕬𝖇𝖈 ﷺ ǆ", "ก็ภาษาไทย", "e\u0301\u0301\u0301",
}

func TestHostileTextIsAQuestionOrADocumentAsAnyOther(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			for i, text := range hostile {
				if err := tx.Index(ctx, "room", strconv.Itoa(i), text); err != nil {
					return fmt.Errorf("document %d: %w", i, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range hostile {
			err := db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				_, err := tx.Search(ctx, "room", text, 0, 10)
				return err
			})
			if err != nil && !errors.Is(err, fault.Invalid) {
				t.Errorf("question %d: %v", i, err)
			}
		}
	})
}

// Both engines answer any question alike, and a document is found by any piece
// of it that begins and ends where words do.
func TestBothEnginesAnswerAlike(t *testing.T) {
	t.Parallel()
	lite := storetest.Open(t, storetest.SQLite(t))
	pg := storetest.Open(t, storetest.PostgreSQL(t))
	word := rapid.SampledFrom([]string{"a", "ab", "b2", "勒索", "病", "病毒x", "é", "-", "*", `"`, "ИИ", "ก"})
	text := rapid.Map(rapid.SliceOfN(word, 1, 6), func(words []string) string { return strings.Join(words, " ") })
	glued := rapid.Map(rapid.SliceOfN(word, 1, 4), func(words []string) string { return strings.Join(words, "") })
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		room := fmt.Sprint("room", n)
		documents := rapid.SliceOfN(rapid.OneOf(text, glued), 1, 4).Draw(rt, "documents")
		question := rapid.OneOf(text, glued, rapid.SampledFrom(documents)).Draw(rt, "question")
		var answers []string
		for _, db := range []*store.DB{lite, pg} {
			err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
				for i, d := range documents {
					if err := tx.Index(ctx, room, strconv.Itoa(i), d); err != nil {
						return err
					}
				}
				hits, err := tx.Search(ctx, room, question, 0, 10)
				answer := ids(hits)
				if errors.Is(err, fault.Invalid) {
					answer, err = "no word", nil
				}
				answers = append(answers, answer)
				return err
			})
			if err != nil {
				rt.Fatal(err)
			}
		}
		answers = answers[len(answers)-2:]
		if answers[0] != answers[1] {
			rt.Fatalf("SQLite finds %q, PostgreSQL %q", answers[0], answers[1])
		}
	})
}

func FuzzSearch(f *testing.F) {
	for _, text := range hostile {
		f.Add(text, text)
	}
	db := storetest.Open(f, storetest.SQLite(f))
	f.Fuzz(func(t *testing.T, document, question string) {
		err := db.Tx(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if err := tx.Index(ctx, "room", "d", document); err != nil {
				return err
			}
			hits, err := tx.Search(ctx, "room", question, 0, 10)
			if errors.Is(err, fault.Invalid) {
				return nil
			}
			if err != nil {
				return err
			}
			// A document without quotes and stars is found by its own words.
			if plain := len(document) < 200 && utf8.ValidString(document) && len(strings.Fields(document)) < 10 && !strings.ContainsAny(document, `"*`); plain && document == question && len(hits) == 0 {
				t.Errorf("%q is not found by itself", document)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
