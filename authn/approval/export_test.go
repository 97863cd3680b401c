package approval

// SetPageReads changes pageReads.
func (s *Service) SetPageReads(n int) { s.pageReads = n }
