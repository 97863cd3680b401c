//go:build !unix

package rootkeys

import "errors"

// sameOwner fails: a service needs Unix.
func sameOwner(_, _ string) error { return errors.ErrUnsupported }
