// Chained is a CNI plugin for tests of lists: it notes each call, hands prevResult on with something of its own
// added, and fails where its configuration says so. First in a list, it starts the result.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

type object = map[string]any

// failure is the CNI error document.
type failure struct {
	CNIVersion string `json:"cniVersion"`
	Code       int    `json:"code"`
	Msg        string `json:"msg"`
}

type config struct {
	CNIVersion string             `json:"cniVersion"`
	PrevResult object             `json:"prevResult"`
	Notes      string             `json:"notes"`
	Adds       object             `json:"adds"`
	Fails      map[string]failure `json:"fails"`
}

func main() {
	command := os.Getenv("CNI_COMMAND")
	if command == "VERSION" {
		fmt.Print(`{"cniVersion":"1.1.0","supportedVersions":["0.3.0","0.3.1","0.4.0","1.0.0","1.1.0"]}`)
		return
	}
	stdin, err := io.ReadAll(os.Stdin)
	check(err)
	var settings config
	check(json.Unmarshal(stdin, &settings))
	note(settings.Notes, command, stdin)
	if fault, ok := settings.Fails[command]; ok {
		fail(settings.CNIVersion, fault.Code, fault.Msg)
	}
	switch command {
	case "ADD":
		answer(added(settings))
	case "CHECK":
		verify(settings)
	}
}

// note writes down one call, in the order in which they come.
func note(folder, command string, stdin []byte) {
	variables := object{}
	for _, pair := range os.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "CNI_") {
			variables[name] = value
		}
	}
	calls, err := filepath.Glob(filepath.Join(folder, "*.json"))
	check(err)
	text, err := json.Marshal(object{"variables": variables, "config": json.RawMessage(stdin)})
	check(err)
	name := fmt.Sprintf("%03d-%s.json", len(calls), command)
	check(os.WriteFile(filepath.Join(folder, name), text, 0o600))
}

// added is prevResult with the members of `adds` behind its own.
func added(settings config) object {
	result := object{"cniVersion": settings.CNIVersion}
	for key, value := range settings.PrevResult {
		result[key] = value
	}
	for key, value := range settings.Adds {
		result[key] = append(list(result[key]), list(value)...)
	}
	return result
}

// verify wants each member of `adds` in the result of the whole list.
func verify(settings config) {
	for key, wanted := range settings.Adds {
		for _, one := range list(wanted) {
			if !contains(list(settings.PrevResult[key]), one) {
				fail(settings.CNIVersion, 120, fmt.Sprintf("prevResult has lost %v of %s", one, key))
			}
		}
	}
}

func contains(all []any, wanted any) bool {
	for _, one := range all {
		if reflect.DeepEqual(one, wanted) {
			return true
		}
	}
	return false
}

func list(value any) []any {
	found, _ := value.([]any)
	return found
}

func answer(document any) {
	text, err := json.Marshal(document)
	check(err)
	os.Stdout.Write(text)
}

func fail(version string, code int, msg string) {
	answer(failure{version, code, msg})
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail("1.0.0", 5, err.Error())
	}
}
