package templates

func galleryReference(lang string) []Sample {
	say := func(text string) []Prose {
		return []Prose{{{Text: text}, {Text: "sendEmail", Code: true}, {Text: "ours", Strong: true}}}
	}
	state := Member{Name: "state", Type: "string", Required: true, About: say("Where it stands: "), Rules: []Rule{{"enum", []string{"open", "resolved"}}}}
	holder := Member{Name: "holder", Type: "object", Members: []Member{state}}
	areas := []ReferenceArea{{Name: "Keys", Path: "keys", About: say("What hangs at the board. "), Operations: []Operation{
		{ID: "listKeys", Method: "GET", Path: "/api/v1/keys", Summary: "List keys", About: say("Oldest first. "), Role: "READ_ONLY_ADMIN",
			Parameters: []Member{{Name: "limit", Place: "query", Type: "integer", Rules: []Rule{{"default", []string{"200"}}}}},
			Answers: []Answer{{Status: "200", About: say("All of them. "), Headers: []string{"Link"}, Content: &Content{List: true, Members: []Member{holder}, Example: "[]"}},
				{Status: "404", Problem: true, About: say("Nothing. ")}},
			Curl: "curl --fail-with-body -H @token.header \\\n  'https://login.garage.example/api/v1/keys'"},
		{ID: "cutKey", Method: "POST", Path: "/api/v1/keys", Summary: "Cut a key", Role: "USER_ADMIN", Who: say("Above every role. "),
			Body: &Content{Members: []Member{state}}, Answers: []Answer{{Status: "200", About: say("Cut. ")}}, Curl: "curl"},
		{ID: "dropKey", Method: "DELETE", Path: "/api/v1/keys/{kid}", Summary: "Drop a key", Role: "USER_ADMIN",
			Body: &Content{}, Answers: []Answer{{Status: "204", About: say("Gone. ")}}, Curl: "curl"},
	}}}
	page := Reference{Base: Base{Lang: lang, Path: "/api/docs"}, About: say("How it works. "), Server: "https://login.garage.example/api/v1", Areas: areas}
	shown := page
	shown.Area = &areas[0]
	return []Sample{{"reference", page}, {"reference-area", shown}}
}
