// Package storekeys rotates the keys that protect the store: data keys, the master key and the pepper of passwords. It records what it does
// in the audit log, and reports which keys there are. It does not know the format of the key file or of a record: packages
// store/rootkeys and store do.
package storekeys
