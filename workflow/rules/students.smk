"""The run's other students: this workflow once more for each of them, as a module with the student's config.

Its rules have its name in front: `snakemake NAME_report`. What several students need is made by the first of them
(tom/config/students.py). Without `students` in the config, nothing happens here.
"""

from tom.core.snakemake_internals import share_settings_of_rules

# Name → the module's functions.
STUDENT_MODULES = {}
OWN_RULES = {rule.name for rule in workflow.rules}

if OTHER_STUDENTS:
    share_settings_of_rules(workflow, called(""), [called(f"{name}_") for name in OTHER_STUDENTS])

for NAME in OTHER_STUDENTS:
    # No name of a function or constant of this workflow.
    MODULE, PREFIX = f"STUDENT_{NAME}", f"{NAME}_"
    CLASHES = sorted({called(PREFIX + name.removeprefix(called(""))) for name in OWN_RULES} & OWN_RULES)
    if CLASHES:
        raise refusal(
            UserError(f"{CONFIG_NAMES}: students.{NAME}: {CLASHES[0]} is a rule of every run (allowed: another name)")
        )

    module:
        name: MODULE
        snakefile:
            "../Snakefile"
        config:
            OTHER_STUDENTS[NAME].store.config | {HANDED_OVER: OTHER_STUDENTS[NAME]}

    use rule * from MODULE as PREFIX*

    STUDENT_MODULES[NAME] = globals()[MODULE]


CALLED = [called, *(module.called for module in STUDENT_MODULES.values())]


def for_each_student(step):
    """Call a function of this file's workflow, and of each module, by its name."""
    globals()[step]()
    for name, module in STUDENT_MODULES.items():
        try:
            getattr(module, step)()
        except UserError as error:
            raise UserError(f"students.{name}: {error}") from None


def called_by_all(*names):
    """The rules of these names, of each student."""
    return {module_called(name) for name in names for module_called in CALLED}


def results_of_students():
    """Every file of the other students' main results, and the comparison of all."""
    results = [file for name in OTHER_STUDENTS for file in getattr(rules, f"{name}_all").input]
    return [*results, *own_tables("experiments").values(), *figure("experiments")]
