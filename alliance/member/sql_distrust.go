package member

import (
	"context"

	"tocsin/alliance/envelope"
	"tocsin/internal/store"
)

// maxDistrusts bounds what is read of them: each is a person's word.
const maxDistrusts = 10_000

func upsertDistrust(ctx context.Context, tx *store.Tx, d *envelope.Distrust) error {
	_, err := tx.Exec(ctx, `INSERT INTO member_distrust (fingerprint, who, reason, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (fingerprint) DO UPDATE SET who = $2, reason = $3, at = $4`, d.Fingerprint, d.By, d.Reason, store.At(d.At))
	return err
}

func deleteDistrust(ctx context.Context, tx *store.Tx, fingerprint string) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM member_distrust WHERE fingerprint = $1`, fingerprint)
}

func listDistrusts(ctx context.Context, tx *store.Tx) ([]envelope.Distrust, error) {
	return store.All(ctx, tx, func(row store.Row) (d envelope.Distrust, err error) {
		return d, row.Scan(&d.Fingerprint, &d.By, &d.Reason, store.IntoTime(&d.At))
	}, `SELECT fingerprint, who, reason, at FROM member_distrust ORDER BY fingerprint LIMIT $1`, maxDistrusts)
}

func selectDistrusts(ctx context.Context, tx *store.Tx) (envelope.Distrusts, error) {
	all, err := listDistrusts(ctx, tx)
	by := make(envelope.Distrusts, len(all))
	for _, d := range all {
		by[d.Fingerprint] = d
	}
	return by, err
}
