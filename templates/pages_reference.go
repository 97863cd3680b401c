package templates

// Reference is the description of the REST API. Its texts are in English, as the API's own answers are; what stands
// around them is in the language of the page.
//
//	GET /api/docs    overview    GET /api/docs/{area}    one area
type Reference struct {
	Base
	About  []Prose
	Server string          // "https://login.garage.example/api/v1"
	Areas  []ReferenceArea // all of them
	Area   *ReferenceArea  // the one that is shown; nil: the overview
}

func (Reference) template() string { return "reference" }

// ReferenceArea is one part of the API.
type ReferenceArea struct {
	Name       string
	Path       string // the last part of the page's path
	About      []Prose
	Operations []Operation
}

// Operation is one call.
type Operation struct {
	ID, Method, Path, Summary string
	About                     []Prose
	Role                      string
	Who                       []Prose // beyond the role
	Parameters                []Member
	Body                      *Content // nil: the call takes none
	Answers                   []Answer
	Curl                      string
}

// Content is a body.
type Content struct {
	Required bool // of a request
	List     bool // of such things
	Members  []Member
	Example  string
}

// Answer is what a call can give.
type Answer struct {
	Status  string
	Problem bool
	About   []Prose
	Content *Content
	Headers []string
}

// Member is a parameter or a member of a body, with what is within it.
type Member struct {
	Name, Place, Type string
	Required          bool
	About             []Prose
	Rules             []Rule
	Members           []Member
}

// Rule is a limit by its name in JSON Schema.
type Rule struct {
	Name   string
	Values []string
}

// Prose is a paragraph.
type Prose []Run

// Run is a piece of a paragraph that is set in one way.
type Run struct {
	Text         string
	Code, Strong bool
}

// Good are the answers when all is well.
func (o Operation) Good() []Answer { return o.answers(false) }

// Bad are the other ones.
func (o Operation) Bad() []Answer { return o.answers(true) }

func (o Operation) answers(problem bool) (out []Answer) {
	for _, a := range o.Answers {
		if a.Problem == problem {
			out = append(out, a)
		}
	}
	return out
}
