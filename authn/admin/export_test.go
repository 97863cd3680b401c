package admin

// LimitToOwner is limitToOwner for its test.
var LimitToOwner = limitToOwner

// SetSearchLimits changes search.
func (s *Service) SetSearchLimits(merged, sought int) { s.search = searchLimits{merged, sought} }

// SetPageReads changes pageReads.
func (s *Service) SetPageReads(n int) { s.pageReads = n }
