package console

import (
	"time"

	"barillet/templates"
)

// Start is the first page of the console.
//
//	GET /console
type Start struct {
	Base
	Open       int  // requests that nobody has
	MoreOpen   bool // there are more than Open
	Oldest     *templates.Message
	AtRisk     int // people whom the loss of one device locks out
	MoreAtRisk bool
	Days       []Day     // the last seven, oldest first
	Mail       *MailSize // nil: not shown to administrators of some garages
}

func (Start) Template() string { return "console_start" }

// Day has the sign-ins of one day. The rest places its columns in the chart.
type Day struct {
	At                                  time.Time
	SignIns, Refused                    int
	X, Middle, Top, Height              int // of the column of sign-ins
	RefusedX, RefusedTop, RefusedHeight int
}

// The size of the chart.
const (
	ChartHeight = 120 // of the highest column
	dayWidth    = 56
)

// Place places the columns of days.
func Place(days []Day) {
	most := 1
	for _, d := range days {
		most = max(most, d.SignIns, d.Refused)
	}
	for i := range days {
		d := &days[i]
		d.X, d.RefusedX, d.Middle = 4+i*dayWidth, 28+i*dayWidth, 26+i*dayWidth
		d.Height, d.RefusedHeight = d.SignIns*ChartHeight/most, d.Refused*ChartHeight/most
		d.Top, d.RefusedTop = ChartHeight-d.Height, ChartHeight-d.RefusedHeight
	}
}

// MailSize is the size of the mail queue.
type MailSize struct {
	Waiting, Dead int
	More          bool // there are more than these
}
