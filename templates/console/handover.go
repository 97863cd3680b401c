package console

import "time"

// HandOver is the handing over of a code to a user who is present, while the witness answers.
//
//	GET /console/hand-overs/{id}
type HandOver struct {
	Base
	Subject string
	Witness string
	State   string
	Until   time.Time
	Action  string // path of its forms
	Back    string // path of the page of the user
	Retry   string // path on which another begins
	Live    bool   // the witness has not ended it
}

func (HandOver) Template() string { return "console_handover" }

// HandedCode shows the code once.
//
//	POST /console/hand-overs/{id}/code
type HandedCode struct {
	Base
	Subject string
	Code    string
	Until   time.Time
	Back    string
}

func (HandedCode) Template() string { return "console_handed" }
