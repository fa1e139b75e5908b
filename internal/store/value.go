package store

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// At is a moment as a column keeps it: microseconds since 1970 in UTC, NULL for
// the zero time.
func At(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// IntoTime scans what At wrote.
func IntoTime(t *time.Time) sql.Scanner { return intoTime{t} }

type intoTime struct{ t *time.Time }

func (i intoTime) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		*i.t = time.Time{}
	case int64:
		*i.t = time.UnixMicro(v).UTC()
	default:
		return fmt.Errorf("a moment can't be read from %T", value)
	}
	return nil
}

// JSON is a value as a column of JSONB or TEXT keeps it. PostgreSQL does not
// keep a JSONB as it was written: what is signed or hashed belongs into TEXT.
func JSON(value any) driver.Valuer { return jsonValue{value} }

type jsonValue struct{ value any }

func (j jsonValue) Value() (driver.Value, error) {
	text, err := json.Marshal(j.value)
	if err != nil {
		return nil, err
	}
	if err := checkTexts([]any{string(text)}); err != nil {
		return nil, err
	}
	return string(text), nil
}

// IntoJSON scans what JSON wrote into what the pointer points to, which stays
// as it is for NULL.
func IntoJSON(pointer any) sql.Scanner { return intoJSON{pointer} }

type intoJSON struct{ pointer any }

func (i intoJSON) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), i.pointer)
	case []byte:
		return json.Unmarshal(v, i.pointer)
	}
	return fmt.Errorf("JSON can't be read from %T", value)
}
