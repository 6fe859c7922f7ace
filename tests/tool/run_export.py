"""Runs what pipe exports for services that are not here: run_export.py FORMAT FILE FOLDER [NAME=VALUE ...]

Each reads the document as its service is said to, and runs the commands in FOLDER. Parameters are given as the
service takes them. The status is 1 when a command failed.
"""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys


def fail(text):
    sys.exit(f"run_export: {text}")


def run(command, folder, environment=None, shell="sh"):
    return subprocess.run([shell, "-c", command], cwd=folder, env={**os.environ, **(environment or {})}).returncode


# ---- Jenkins: literals of Groovy that are added up, and word(params[NAME]) ----

GROOVY = re.compile(r"'''((?:\\.|[^\\])*?)'''|'((?:\\.|[^\\'])*)'|word\(params\['([^']*)'\]\)", re.S)
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def groovy_text(text, values):
    """The value of an expression that ends with an unpaired parenthesis, and what is behind it."""
    out = ""
    while True:
        m = GROOVY.match(text)
        if not m:
            fail(f"no text of Groovy: {text[:60]!r}")
        literal = m[1] if m[1] is not None else m[2]
        out += shlex.quote(values[m[3]]) if m[3] else re.sub(r"\\(.)", lambda e: ESCAPES.get(e[1], e[1]), literal, flags=re.S)
        text = text[m.end():]
        if text[:1] == ")":
            return out, text[1:]
        if text[:3] != " + ":
            fail(f"no expression of Groovy: {text[:60]!r}")
        text = text[3:]


def jenkins(text, folder, given):
    values = {}
    head, stages = text.split("    stages {\n", 1)
    for m in re.finditer(r"^ +(string|booleanParam)\(name: '([^']*)'(?:, defaultValue: (.*))?\)$", head, re.M):
        value = m[3] or "''"
        values[m[2]] = value if m[1] == "booleanParam" else groovy_text(value + ")", {})[0]
    values.update(given)
    wanted = True
    while (m := re.search(r"(when \{\s+expression \{\s+sh\(returnStatus: true, script: )|(?<=\s)(sh\()(?!returnStatus)|stage\(", stages)):
        stages = stages[m.end():]
        if m[1]:
            script, stages = groovy_text(stages, values)
            wanted = run(script, folder) == 0
        elif m[2]:
            script, stages = groovy_text(stages, values)
            if wanted and run(script, folder) != 0:
                return 1
        else:
            wanted = True
    return 0


# ---- CodePipeline, with the buildspec beside it ----

def codepipeline(text, folder, given):
    import yaml
    pipeline = json.loads(text)["pipeline"]
    spec = yaml.safe_load(open("buildspec.yml"))
    if spec["version"] != 0.2 or spec["artifacts"]["base-directory"] != ".artifact":
        fail("no buildspec")
    values = {v["name"]: given.get(v["name"], v.get("defaultValue")) for v in pipeline.get("variables", [])}
    shutil.rmtree("artifact", ignore_errors=True)
    os.makedirs("artifact/Source")
    for stage in pipeline["stages"][1:]:
        for action in stage["actions"]:
            status = build(action, spec, folder, values)
            if status:
                return status
    return 0


def build(action, spec, folder, values):
    config = action["configuration"]
    shutil.copytree("artifact/" + config["PrimarySource"], "work")
    environment = {k: str(v) for k, v in spec.get("env", {}).get("variables", {}).items()}
    for v in json.loads(config["EnvironmentVariables"]):
        environment[v["name"]] = re.sub(r"#\{variables\.([^}]*)\}", lambda m: values[m[1]], v["value"])
    for a in action["inputArtifacts"]:
        environment["CODEBUILD_SRC_DIR_" + a["name"]] = os.path.abspath("artifact/" + a["name"])
    status = max(run(c, "work", environment) for c in spec["phases"]["build"]["commands"])
    for a in action["outputArtifacts"] if status == 0 else []:
        if not os.listdir("work/.artifact"):
            fail("an artifact without files")
        shutil.copytree("work/.artifact", "artifact/" + a["name"])
        shutil.copytree("work/.artifact", folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".skipped"))
    shutil.rmtree("work")
    return status


# ---- Airflow: its modules are played ----

class Dag:
    here = None

    def __init__(self, dag_id, params=None, **more):
        self.params, self.tasks = params or {}, []

    def __enter__(self):
        Dag.here = self

    def __exit__(self, *more):
        pass


class Param:
    def __init__(self, *default, type, pattern=None, enum=None):
        self.default, self.pattern, self.enum = default[0] if default else None, pattern, enum

    def take(self, value):
        if not isinstance(value, str) or (self.pattern and not re.search(self.pattern, value)) or (self.enum and value not in self.enum):
            fail(f"no such value: {value!r}")
        return value


class BashOperator:
    template_fields = ("bash_command", "env")

    def __init__(self, task_id, bash_command, cwd, append_env, skip_on_exit_code, retries, env=None, **more):
        if type(self).template_fields != ("env",) or retries < 0 or not append_env:
            fail("commands would be templates")
        self.command, self.cwd, self.env, self.skip, self.before = bash_command, cwd, env or {}, skip_on_exit_code, []
        Dag.here.tasks.append(self)

    def __rshift__(self, other):
        other.before.append(self)

    def run(self, values):
        """Whether it was skipped."""
        if any(t.skipped for t in self.before):
            return True
        env = {k: re.sub(r"\{\{ params\['([^']*)'\] \}\}", lambda m: values[m[1]], v) for k, v in self.env.items()}
        status = run(self.command, self.cwd, env, "bash")
        if status and status != self.skip:
            sys.exit(1)
        return status != 0


def airflow(text, folder, given):
    import types
    for name, members in (("airflow", {"DAG": Dag}), ("airflow.models", {}), ("airflow.models.param", {"Param": Param}),
                          ("airflow.operators", {}), ("airflow.operators.bash", {"BashOperator": BashOperator})):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__dict__.update(members)
    exec(compile(text, "dag", "exec"), {"__file__": os.path.join(os.path.abspath(folder), "dag.py"), "__name__": "dag"})
    values = {name: p.take(given.get(name, p.default)) for name, p in Dag.here.params.items()}
    left = list(Dag.here.tasks)
    while left:
        task = next(t for t in left if not any(b in left for b in t.before))
        task.skipped = task.run(values)
        left.remove(task)
    return 0


# ---- Amazon States Language, as far as it is written ----

def at_path(path, data):
    name = re.fullmatch(r"\$\.params\['([^']*)'\]", path)
    return data["params"][name[1]]


def intrinsic(text, data):
    """States.Format('TEXT', PATH ...)"""
    m = re.fullmatch(r"States\.Format\('((?:\\.|[^\\'])*)'((?:, [^,)]+)*)\)", text)
    values = [at_path(p, data) for p in m[2].split(", ")[1:]]
    texts = [v if isinstance(v, str) else json.dumps(v) for v in values]
    return re.sub(r"\\(.)|(\{\})", lambda e: e[1] or texts.pop(0), m[1])


def holds(rule, data):
    if "And" in rule:
        return all(holds(r, data) for r in rule["And"])
    if "Or" in rule:
        return any(holds(r, data) for r in rule["Or"])
    if "Not" in rule:
        return not holds(rule["Not"], data)
    left = at_path(rule["Variable"], data)
    (test, right), = [(k, v) for k, v in rule.items() if k not in ("Variable", "Next")]
    kind, name, path = re.fullmatch(r"(String|Numeric|Boolean)(Equals|(?:Less|Greater)Than(?:Equals)?)(Path)?", test).groups()
    right = at_path(right, data) if path else right
    types = {"String": (str,), "Numeric": (int, float), "Boolean": (bool,)}[kind]
    if type(left) not in types or type(right) not in types:
        return False
    return {"Equals": left == right, "LessThan": left < right, "LessThanEquals": left <= right, "GreaterThan": left > right,
            "GreaterThanEquals": left >= right}[name]


def take_task(state, folder, data):
    job = state["Parameters"]["ContainerOverrides"]
    environment = {v["Name"]: v["Value"] if "Value" in v else intrinsic(v["Value.$"], data) for v in job.get("Environment", [])}
    return subprocess.run(job["Command"], cwd=folder, env={**os.environ, **environment}).returncode


def take_state(state, folder, data):
    """The data for the next state, and the next one's name; None: the machine has ended."""
    kind, after = state["Type"], state.get("Next")
    if kind not in ("Choice", "Succeed", "Fail") and ("Next" in state) == state.get("End", False):
        fail("a state with both Next and End, or neither")
    if kind == "Pass" and "given.$" in state["Parameters"]:
        return {"defaults": state["Parameters"]["defaults"], "given": data}, after
    if kind == "Pass":
        return {"params": {**data["defaults"], **data["given"]}}, after
    if kind == "Choice":
        return data, next((c["Next"] for c in state["Choices"] if holds(c, data)), state["Default"])
    if kind == "Parallel":
        for branch in state["Branches"]:
            machine(branch, folder, data)
    if kind == "Fail":
        print(state["Cause"] if "Cause" in state else intrinsic(state["CausePath"], data), file=sys.stderr)
    if kind == "Fail" or (kind == "Task" and take_task(state, folder, data) != 0):
        sys.exit(1)
    return data, after


def machine(m, folder, data):
    name = m["StartAt"]
    while name:
        data, name = take_state(m["States"][name], folder, data)


def asl(text, folder, given):
    m = json.loads(text)
    defaults = m["States"].get("defaults", {}).get("Parameters", {}).get("defaults", {})
    data = {k: v if isinstance(defaults.get(k, ""), str) else json.loads(v) for k, v in given.items()}
    machine(m, folder, data)
    return 0


if __name__ == "__main__":
    form, path, folder = sys.argv[1:4]
    text = open(path).read()
    sys.exit(globals()[form](text, folder, dict(a.split("=", 1) for a in sys.argv[4:])))
