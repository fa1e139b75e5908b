package detect_test

import (
	"slices"
	"testing"

	"tocsin/detect"
	"tocsin/detect/sigma"
	"tocsin/intel"
)

func TestAskedIsEnoughToMatch(t *testing.T) {
	t.Parallel()
	file, err := sigma.Parse("rule.yml", []byte(rule))
	if err != nil {
		t.Fatal(err)
	}
	names := intel.NewNames(nil)
	detector, err := detect.New(file.Rules, nil, names)
	if err != nil {
		t.Fatal(err)
	}
	class := &intel.Class{Product: "windows", Categories: []string{"process_creation"}}
	asked := detector.Asked(class)
	if asked.None || asked.All || len(asked.Clues) == 0 {
		t.Fatalf("got %+v, want fields and clues", asked)
	}
	whole := event(names, class, "Image", `C:\Windows\cmd.exe`, "CommandLine", "cmd /c x", "ParentImage", `C:\Windows\services.exe`, "User", "ADMIN")
	var bare intel.Record
	for _, f := range whole.Fields {
		if slices.Contains(asked.Fields, f.Name) {
			bare.Add(f.Name, f.Kind, f.Value)
		}
	}
	if len(bare.Fields) != 3 {
		t.Errorf("got %d fields asked for, want Image, ParentImage and User", len(bare.Fields))
	}
	if !detector.NewInspector(false).Matches(class, &bare) {
		t.Error("the fields asked for do not match")
	}
	if !detector.Asked(&intel.Class{Product: "linux"}).None {
		t.Error("something is asked of a class that no rule is for")
	}
}
