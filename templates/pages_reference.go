package templates

// Reference describes the REST API. Its descriptions are in English like the responses of the API; the rest is in the
// language of the page.
//
//	GET /api/docs    overview    GET /api/docs/{area}    one area
type Reference struct {
	Base
	About  []Prose
	Server string          // "https://login.garage.example/api/v1"
	Areas  []ReferenceArea // all areas
	Area   *ReferenceArea  // area of the page; nil: the overview
}

func (Reference) Template() string { return "reference" }

// ReferenceArea is one part of the API.
type ReferenceArea struct {
	Name       string
	Path       string // last segment of the page's path
	About      []Prose
	Operations []Operation
}

// Operation is one operation of the API.
type Operation struct {
	ID, Method, Path, Summary string
	About                     []Prose
	Role                      string
	Who                       []Prose // conditions in addition to the role
	Parameters                []Member
	Body                      *Content // nil: no body
	Answers                   []Answer
	Curl                      string
}

// Content is the body of a request or response.
type Content struct {
	Required bool // in a request
	List     bool // list of such entries
	Members  []Member
	Example  string
}

// Answer is one response of an operation.
type Answer struct {
	Status  string
	Problem bool
	About   []Prose
	Content *Content
	Headers []string
}

// Member is a parameter, or a member of a body with its own members.
type Member struct {
	Name, Place, Type string
	Required          bool
	About             []Prose
	Rules             []Rule
	Members           []Member
}

// Rule is a JSON Schema keyword with its values.
type Rule struct {
	Name   string
	Values []string
}

// Prose is a paragraph.
type Prose []Run

// Run is a part of a paragraph with one style.
type Run struct {
	Text         string
	Code, Strong bool
}

// Successes returns the responses that are not problem documents.
func (o Operation) Successes() []Answer { return o.answers(false) }

// Problems returns the responses that are problem documents.
func (o Operation) Problems() []Answer { return o.answers(true) }

func (o Operation) answers(problem bool) (out []Answer) {
	for _, a := range o.Answers {
		if a.Problem == problem {
			out = append(out, a)
		}
	}
	return out
}
