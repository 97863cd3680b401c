package console

// Start is the first page of the console.
//
//	GET /console
type Start struct {
	Base
}

func (Start) Template() string { return "console_start" }
