/* launch.exe PROGRAM ARGUMENTS: start a Windows program with variables that Wine would not take from Unix.
 *
 * Wine sets ProgramData (and some more) itself, from the registry of the prefix. A variable LAUNCH_<NAME> of this
 * program becomes <NAME> in the other one. The standard handles and the exit code are the other program's, and it
 * does not outlive this one.
 */
#include <windows.h>
#include <wchar.h>

static const wchar_t PREFIX[] = L"LAUNCH_";
static const size_t PREFIX_LENGTH = sizeof(PREFIX) / sizeof(wchar_t) - 1;

/* Without a console of its own, which would be one more process of Wine each time. */
static const DWORD DETACHED = CREATE_SUSPENDED | DETACHED_PROCESS;

static void rename_variables(void)
{
    wchar_t *block = GetEnvironmentStringsW();
    for (wchar_t *entry = block; *entry; entry += wcslen(entry) + 1) {
        wchar_t *equals = wcschr(entry, L'=');
        if (!equals || wcsncmp(entry, PREFIX, PREFIX_LENGTH) != 0)
            continue;
        *equals = 0;
        SetEnvironmentVariableW(entry + PREFIX_LENGTH, equals + 1);
        SetEnvironmentVariableW(entry, NULL);
        *equals = L'=';
    }
    FreeEnvironmentStringsW(block);
}

/* The command line as it was given, without our own name, so that no quoting has to be done again. */
static wchar_t *command_of_the_other(void)
{
    wchar_t *line = GetCommandLineW();
    int quoted = *line == L'"';
    for (line += quoted; *line && (quoted ? *line != L'"' : *line != L' '); line++)
        ;
    line += quoted && *line;
    while (*line == L' ')
        line++;
    return line;
}

static HANDLE job_that_ends_with_us(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    HANDLE job = CreateJobObjectW(NULL, NULL);
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
    return job;
}

int main(void)
{
    STARTUPINFOW startup = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES};
    PROCESS_INFORMATION other;
    DWORD code = 1;

    rename_variables();
    startup.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup.hStdError = GetStdHandle(STD_ERROR_HANDLE);
    if (!CreateProcessW(NULL, command_of_the_other(), NULL, NULL, TRUE, DETACHED, NULL, NULL, &startup,
                        &other))
        return 127;
    AssignProcessToJobObject(job_that_ends_with_us(), other.hProcess);
    ResumeThread(other.hThread);
    /* The reader of our stdout sees its end when the other program ends, not when we do. */
    CloseHandle(startup.hStdInput);
    CloseHandle(startup.hStdOutput);
    WaitForSingleObject(other.hProcess, INFINITE);
    GetExitCodeProcess(other.hProcess, &code);
    return (int)code;
}
