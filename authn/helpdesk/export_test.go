package helpdesk

import "barillet/authn/account"

// AddText is addText, for the tests of the places of a request.
func (c *Request) AddText(t Text) error { return c.addText(t) }

// PutNumber is putNumber, for a test of two requests that draw the same number.
func (s *Service) PutNumber(tx *account.Tx, c *Request) error { return s.putNumber(tx, c) }

// SetPageReads changes pageReads and countReads.
func (s *Service) SetPageReads(n int) { s.pageReads, s.countReads = n, n }
