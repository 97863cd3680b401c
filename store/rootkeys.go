package store

import "barillet/store/rootkeys"

// The keys outside the store: see package rootkeys.
type (
	// MasterKey encrypts the data keys of the store.
	MasterKey = rootkeys.Master
	// Pepper is the key of the HMACs of short secrets, and of values that a record key must not reveal.
	Pepper = rootkeys.Pepper
	// RootKeys are the keys in the key file.
	RootKeys = rootkeys.Keys
)

// ErrNoKeyFile is wrapped by the error of ReadKeyFile if the file does not exist.
var ErrNoKeyFile = rootkeys.ErrNoFile

// ErrKeyFileMode is wrapped by the error of ReadKeyFile if the group or others can read or write the file.
var ErrKeyFileMode = rootkeys.ErrFileMode

// NewRootKeys returns random keys.
func NewRootKeys() RootKeys { return rootkeys.New() }

// CreateKeyFile generates root keys and writes them to a new file.
func CreateKeyFile(path string) (RootKeys, error) { return rootkeys.CreateFile(path) }

// ReadKeyFile returns the root keys in a file.
func ReadKeyFile(path string) (RootKeys, error) { return rootkeys.ReadFile(path) }

// SyncDir makes a file that was created, renamed or removed in the directory durable.
func SyncDir(path string) error { return rootkeys.SyncDir(path) }
