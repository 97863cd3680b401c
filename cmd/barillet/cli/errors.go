package cli

import "fmt"

// UsageError is the error of an invalid command line.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Errorf(format, args...)}
}

// HintError is an error with a hint how to correct it.
type HintError struct {
	Err  error
	Hint string
}

func (e *HintError) Error() string { return e.Err.Error() }
func (e *HintError) Unwrap() error { return e.Err }

// WithHint adds a hint to an error.
func WithHint(err error, format string, args ...any) error {
	return &HintError{err, fmt.Sprintf(format, args...)}
}
