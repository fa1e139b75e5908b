package people

import (
	"embed"

	"tocsin/internal/store"
)

//go:embed schema
var schema embed.FS

// Room returns the tables of people, for store.DB.Migrate.
func Room() store.Room { return store.Room{Name: "people", Files: schema} }
