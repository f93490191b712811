// hcsshim does with one container what Docker does, through the public API of Microsoft's hcsshim.
//
//	hcsshim ID ENDPOINT process|hyperv
//
// Each step is a line of JSON: what was done, what went wrong, and what was seen. After "running" it waits for a line
// on stdin, so that others can look at the container meanwhile.
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"time"

	"github.com/Microsoft/hcsshim"
)

const patience = 30 * time.Second

type line struct {
	Step  string `json:"step"`
	Error string `json:"error"` // "" for nothing
	Saw   any    `json:"saw"`
}

func say(step string, err error, saw any) {
	told := line{Step: step, Saw: saw}
	if err != nil {
		told.Error = err.Error()
	}
	if json.NewEncoder(os.Stdout).Encode(told) != nil {
		os.Exit(2)
	}
}

func main() {
	if len(os.Args) != 4 {
		os.Exit(2)
	}
	id, endpoint, isolation := os.Args[1], os.Args[2], os.Args[3]
	container, err := hcsshim.CreateContainer(id, &hcsshim.ContainerConfig{
		SystemType:        "Container",
		Name:              id,
		Owner:             "hcsshim-test",
		Layers:            []hcsshim.Layer{},
		MemoryMaximumInMB: 512,
		HvPartition:       isolation == "hyperv",
	})
	say("create", err, nil)
	if err != nil {
		return
	}
	say("start", container.Start(), nil)
	say("pause", container.Pause(), nil)
	say("resume", container.Resume(), nil)
	look(container)
	work(container)
	speak(container, "more.com", "hello\n")
	speak(container, "cmd /c exit 3", "")
	say("attach", hcsshim.HotAttachEndpoint(id, endpoint), nil)
	list()
	say("running", nil, nil)
	bufio.NewReader(os.Stdin).ReadString('\n')
	say("change", container.Modify(detach(endpoint)), nil)
	end(container, id)
}

// What it uses, and what runs in it.
func look(container hcsshim.Container) {
	used, err := container.Statistics()
	say("statistics", err, used.Memory.UsageCommitBytes > 0 && used.Uptime100ns > 0)
	processes, err := container.ProcessList()
	images := []string{}
	for _, process := range processes {
		images = append(images, process.ImageName)
	}
	say("processes", err, images)
}

// A process is made, opened a second time and killed.
func work(container hcsshim.Container) {
	process, err := container.CreateProcess(&hcsshim.ProcessConfig{CommandLine: "ping.exe -t"})
	say("process", err, nil)
	if err != nil {
		return
	}
	again, err := container.OpenProcess(process.Pid())
	say("open", err, nil)
	if err == nil {
		say("kill", again.Kill(), nil)
		say("close", again.Close(), nil)
	}
	say("wait", process.WaitTimeout(patience), nil)
	code, err := process.ExitCode()
	say("exit", err, code)
	say("close", process.Close(), nil)
}

// A process gets input, and is read to its end. One that gets none may have ended: it is not told of the end of it.
func speak(container hcsshim.Container, command string, input string) {
	process, err := container.CreateProcess(&hcsshim.ProcessConfig{
		CommandLine:      command,
		CreateStdInPipe:  true,
		CreateStdOutPipe: true,
		CreateStdErrPipe: true,
	})
	say("process", err, nil)
	if err != nil {
		return
	}
	in, out, errors, err := process.Stdio()
	say("stdio", err, nil)
	if err != nil {
		return
	}
	if input != "" {
		_, err = io.WriteString(in, input)
		say("write", err, nil)
		say("end of input", process.CloseStdin(), nil)
	}
	in.Close()
	for _, stream := range []io.ReadCloser{out, errors} {
		text, err := io.ReadAll(stream)
		say("read", err, string(text))
		stream.Close()
	}
	say("wait", process.WaitTimeout(patience), nil)
	code, err := process.ExitCode()
	say("exit", err, code)
	say("close", process.Close(), nil)
}

func detach(endpoint string) *hcsshim.ResourceModificationRequestResponse {
	return &hcsshim.ResourceModificationRequestResponse{
		Resource: hcsshim.Network,
		Data:     endpoint,
		Request:  hcsshim.Remove,
	}
}

func list() {
	containers, err := hcsshim.GetContainers(hcsshim.ComputeSystemQuery{Owners: []string{"hcsshim-test"}})
	found := []string{}
	for _, one := range containers {
		found = append(found, one.ID+" "+one.State)
	}
	say("list", err, found)
}

// What the service does later is "pending" here, and no failure.
func unlessPending(err error) error {
	if hcsshim.IsPending(err) {
		return nil
	}
	return err
}

// Shut down, waited for, and gone; a second one, which was never started, is terminated.
func end(container hcsshim.Container, id string) {
	say("shutdown", unlessPending(container.Shutdown()), nil)
	say("wait", container.WaitTimeout(patience), nil)
	say("close", container.Close(), nil)
	_, err := hcsshim.OpenContainer(id)
	say("gone", nil, hcsshim.IsNotExist(err))
	second, err := hcsshim.CreateContainer(id, &hcsshim.ContainerConfig{SystemType: "Container", Name: id})
	say("create", err, nil)
	if err != nil {
		return
	}
	_, err = hcsshim.CreateContainer(id, &hcsshim.ContainerConfig{SystemType: "Container", Name: id})
	say("again", err, nil)
	say("terminate", unlessPending(second.Terminate()), nil)
	say("wait", second.WaitTimeout(patience), nil)
	say("close", second.Close(), nil)
}
