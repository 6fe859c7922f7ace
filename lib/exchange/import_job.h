/* A step of SageMaker as a command with its files. For the files of this module. */
#ifndef EXCHANGE_IMPORT_JOB_H
#define EXCHANGE_IMPORT_JOB_H

#include "exchange/import_sagemaker.h"

struct sm_binding {
    struct text local, path; /* where a container has it, and where it is */
};
struct sm_variable {
    struct text name, value;
};

struct sm_job {
    VEC(struct sm_word) words;  /* of the command; none: a parameter says it */
    text_list in, out, folders; /* folders: outputs that must be there before */
    VEC(struct sm_binding) bindings;
    VEC(struct sm_variable) variables;
    bool reads; /* words with values of files */
    enum sm_result {
        RESULT_NONE,
        RESULT_OF_COMMAND,  /* the first output is what the command writes, of ML_ARGUMENTS */
        RESULT_IS_ARGUMENTS /* it is those */
    } result;
};
void sm_job_release(struct sm_job *j);

/* Reads what the kinds of steps have. */
int sm_job_processing(struct sm *m, const struct sm_step *s, struct sm_job *j);
int sm_job_training(struct sm *m, const struct sm_step *s, struct sm_job *j);
int sm_job_transform(struct sm *m, const struct sm_step *s, struct sm_job *j);

int sm_job_add_variable(struct sm *m, struct sm_job *j, const struct doc_node *place,
                        struct text name, struct text value);
/* ML_ARGUMENTS: the Arguments as JSON. */
int sm_job_add_arguments(struct sm *m, const struct sm_step *s, struct sm_job *j);
/* A parameter, to be given, that is the step's command; lives in the arena. */
int sm_job_command(struct sm *m, const struct sm_step *s, const char **name);
/* The lines run, in, out and env. */
int sm_job_put(struct sm *m, const struct sm_step *s, struct sm_job *j);

/* env alone */
void sm_job_put_variables(struct sm *m, const struct sm_job *j);

#endif
