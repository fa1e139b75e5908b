package notify

import (
	"bytes"
	"time"
)

// Compose returns a mail as it is handed over.
func Compose(config MailConfig, to Recipient, m Message, posted time.Time) ([]byte, error) {
	sender, err := newMailer(config)
	if err != nil {
		return nil, err
	}
	letter, err := sender.compose(to, m, posted)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	_, err = letter.WriteTo(&text)
	return text.Bytes(), err
}

// OneLine and ParseSecrets are for fuzzing.
var (
	OneLine      = oneLine
	ParseSecrets = parseSecrets
)

// KeepFor is how long settled messages are kept.
const KeepFor = keepFor
