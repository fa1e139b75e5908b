package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"tocsin/internal/store"
)

// onFile is what a database is called, in flags and files, that is SQLite's file
// in the data directory.
const onFile = "sqlite"

// databaseVariable names the database where no flag does.
const databaseVariable = "TOCSIN_DATABASE"

// passwordLimit is far more than a password has.
const passwordLimit = 4 << 10

// configure reads the configuration that is in force from now on: the file, what
// flags say above it, and which database was chosen for this one run.
func (c *console) configure(flags *configFlags) (*configuration, error) {
	config, err := flags.read(c.data)
	if err != nil {
		return nil, err
	}
	if c.chosen != "" {
		config.Database, config.origins["database"] = c.chosen, "--database"
		if c.chosen == os.Getenv(databaseVariable) {
			config.origins["database"] = databaseVariable
		}
	}
	c.inForce = &config.fileConfig
	return config, nil
}

// configured returns the configuration in force, reading it where no verb did.
func (c *console) configured() (*fileConfig, error) {
	if c.inForce == nil {
		if _, err := c.configure(&configFlags{}); err != nil {
			return nil, err
		}
	}
	return c.inForce, nil
}

// onSQLite reports whether the tables are in a file of the data directory.
func (c *fileConfig) onSQLite() bool { return c.Database == "" || c.Database == onFile }

// tables is where the tables of a data directory are under a configuration.
func (c *fileConfig) tables(data string) (store.Config, error) {
	if c.onSQLite() {
		return store.Config{Path: filepath.Join(data, databaseFile), Program: programName()}, nil
	}
	password, err := c.databasePassword()
	return store.Config{URL: c.Database, Password: password, Program: programName()}, err
}

// databasePassword is what the configured file holds, "" when there is none.
func (c *fileConfig) databasePassword() (string, error) {
	if c.DatabasePasswordFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(c.DatabasePasswordFile)
	if err != nil {
		return "", fmt.Errorf("database_password_file: %w", err)
	}
	text = bytes.TrimRight(text, "\r\n")
	if len(text) == 0 || len(text) > passwordLimit || bytes.ContainsAny(text, "\r\n\x00") {
		return "", fmt.Errorf("database_password_file %s: it must hold one line, the password, and nothing else", c.DatabasePasswordFile)
	}
	return string(text), nil
}

// openTables opens the database as it is; nothing is migrated.
func (c *console) openTables(ctx context.Context) (*store.DB, error) {
	config, err := c.configured()
	if err != nil {
		return nil, err
	}
	where, err := config.tables(c.data)
	if err != nil {
		return nil, err
	}
	return store.Open(ctx, where)
}

// claimTables makes this process the one node of the database.
func (c *console) claimTables(ctx context.Context) (*store.Claim, error) {
	config, err := c.configured()
	if err != nil {
		return nil, err
	}
	where, err := config.tables(c.data)
	if err != nil {
		return nil, err
	}
	return store.TakeClaim(ctx, where)
}
