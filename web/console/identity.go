package console

import (
	"errors"
	"strings"

	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web/console/shell"
)

// callResults are the results of a call back, that of an identity check first.
var callResults = []helpdesk.CallResult{helpdesk.CallConfirmed, helpdesk.CallNotReached, helpdesk.CallWrongPerson, helpdesk.CallRefused}

// checkFields returns the fields of an identity check, the most frequent method first (protocol rule 24). A user is called
// back only on the numbers that are not young. results asks how a call ended; without it, the user confirmed.
func checkFields(numbers []helpdesk.Number, results bool) []view.Field {
	number := view.Field{Name: "number", Kind: "choice", Optional: true}
	for _, n := range numbers {
		if !n.Young {
			number.Options = append(number.Options, view.Option{Value: n.Member, Text: n.Number})
		}
	}
	method := view.Field{Name: "method", Kind: "choice", HasHint: true}
	result := view.Field{Name: "result", Kind: "choice", Optional: true}
	by := view.Field{Name: "by", Kind: "text", Max: 128, Optional: true, HasHint: true}
	for _, m := range []helpdesk.IdentityMethod{helpdesk.IdentityCalledBack, helpdesk.IdentityInPerson, helpdesk.IdentityManager, helpdesk.IdentityDocument} {
		if m != helpdesk.IdentityCalledBack || len(number.Options) > 0 {
			method.Options = append(method.Options, view.Option{Value: string(m), Words: checkWords(m)})
		}
	}
	for _, r := range callResults {
		result.Options = append(result.Options, view.Option{Value: string(r), Words: callWords(r)})
	}
	switch {
	case len(number.Options) == 0:
		return []view.Field{method, by}
	case results:
		return []view.Field{method, number, result, by}
	}
	return []view.Field{method, number, by}
}

// identityCheck returns the identity check that was typed; nil if the form has none. The number and the result of a call are
// no part of another method.
func identityCheck(in shell.Input) *helpdesk.IdentityCheck {
	method := helpdesk.IdentityMethod(in.Get("method"))
	switch method {
	case "":
		return nil
	case helpdesk.IdentityCalledBack:
		return &helpdesk.IdentityCheck{Method: method, By: in.Get("by"), Number: in.Get("number"), Result: helpdesk.CallResult(in.Get("result"))}
	}
	return &helpdesk.IdentityCheck{Method: method, By: in.Get("by")}
}

// formError returns the error of a field of the domain as that of a field of the form.
func formError(err error) error {
	e, ok := errors.AsType[*errcode.Error](err)
	if !ok || e.Code != errcode.Invalid {
		return err
	}
	own := *e
	own.Field = strings.TrimPrefix(own.Field, "identityCheck.")
	return &own
}

// checkWords returns the sentence of a method of an identity check.
func checkWords(m helpdesk.IdentityMethod) templates.Key {
	return templates.Key("requests.check_" + string(m))
}

// callWords returns the sentence of a result of a call back.
func callWords(r helpdesk.CallResult) templates.Key {
	return templates.Key("requests.call_" + string(r))
}
